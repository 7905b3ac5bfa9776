"""How fast Discord is answered in a burst; see ``__main__``."""
