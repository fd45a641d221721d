"""Is a recording of one's own sound, by itself and for a model?"""
