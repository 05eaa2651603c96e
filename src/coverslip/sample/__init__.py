"""From images to batches: sheets, crops, focal planes, normalisation, augmentation."""
