"""Fills a database, has the command purge and restore it, and judges that without any code of the purge."""
