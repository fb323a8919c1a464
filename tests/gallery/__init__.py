"""Every page and state of the program on the real server: what the gallery shows and what tests of looks go through.

``python -m tests.gallery`` takes the pictures of docs/gallery.
"""
