"""Tables as people export them: one reader for all sources, which loses or reinterprets nothing without a word."""
