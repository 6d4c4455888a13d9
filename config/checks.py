"""Checks of settings as a whole: each has an id and a hint that names the mend."""
