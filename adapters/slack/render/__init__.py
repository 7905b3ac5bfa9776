"""What Slack is shown: cards, forms, the Home tab and progress as Block Kit. Pure, and within every limit of Slack's."""
