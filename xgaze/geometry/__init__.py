"""Where people look, as places and as angles: from where a screen is looked at, and into what."""
