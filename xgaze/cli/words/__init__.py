"""What the commands say, and what they were asked."""
