"""A GAN that learns to draw handwritten digits."""
