"""Training with Lightning: tasks, fitting with resume, tuning of students."""
