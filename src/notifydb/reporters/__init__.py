"""Findings in, text out: one function for each format; nothing here prints."""
