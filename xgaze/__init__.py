"""xgaze: how small can this gaze model be, what does it lose, and why?"""

__version__ = "0.1.0"
