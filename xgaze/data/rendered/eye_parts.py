"""What the pixels of a rendered eye belong to."""

REGIONS = ("skin", "sclera", "iris", "pupil", "glint", "lash")  # a region's label is its place here
SKIN, SCLERA, IRIS, PUPIL, GLINT, LASH = range(len(REGIONS))
