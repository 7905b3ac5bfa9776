"""What Discord is shown: cards, forms, words and the workspace's card as components. Pure, and within every limit of Discord's."""
