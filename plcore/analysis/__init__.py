"""Which input decides, what it is worth to know, what a trial could show."""
