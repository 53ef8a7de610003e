"""Deletes functional-test users and all that is theirs: plan first, then one transaction."""
