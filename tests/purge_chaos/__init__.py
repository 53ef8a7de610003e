"""Purges and restores that are struck at random moments: nothing may be lost, and the end is the same."""
