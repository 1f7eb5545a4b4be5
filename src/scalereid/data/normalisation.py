"""The numbers by which pixels are normalised, as every model here expects them."""

PIXEL_MEAN = (0.485, 0.456, 0.406)  # of ImageNet's colours from 0 to 1, as every released weight here expects
PIXEL_STD = (0.229, 0.224, 0.225)
