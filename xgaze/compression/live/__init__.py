"""The student as a page runs it: its program, its weights and some samples, small enough to send with the report."""
