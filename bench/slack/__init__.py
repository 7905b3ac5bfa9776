"""How fast Slack is answered in a burst; see ``__main__``."""
