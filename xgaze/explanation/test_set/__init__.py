"""Teacher and student over the test set: agreement, anatomy, perturbation."""
