"""May a method be trusted on this very model?"""
