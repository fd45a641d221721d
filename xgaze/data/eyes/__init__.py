"""Folders of eye-camera frames: sessions, frames, labels."""
