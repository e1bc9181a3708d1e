"""What every page about a model is made of: sections, tables and the style of pictures."""
