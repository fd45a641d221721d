"""Recordings of Pupil Core and Neon with the videos of their eye cameras: the frame of every eye at each gaze sample."""
