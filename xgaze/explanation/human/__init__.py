"""Do the models look where people looked?"""
