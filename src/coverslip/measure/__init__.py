"""Results and truth to numbers, with intervals: arrays in, numbers out.

>>> from coverslip import measure
>>> measure.linear_probe(latent, labels, groups=donor).balanced_accuracy
0.812 [0.790, 0.833]

===================  =====================================================================================
`reconstruction`     sum and mean squared error, PSNR, SSIM, per image and per channel
`latent`             the loss term's KL per dimension, KL of the aggregate posterior, active units, collapse
`probe`              linear and k-nearest-neighbour probes, cross-validated or on a given split
`clusters`           silhouette, ARI, NMI, clustering accuracy, purity, and k-means with k found
`explained`          the facts that clusters go with: border, plate, size
`disentangle`        MIG and DCI against known factors
`intervals`          bootstrap intervals over samples or groups, and paired differences
`evaluate`           all of it as one table, beside baselines
`scores`             accuracy, balanced accuracy, R² and means, as statistics to resample
`confusion`          accuracy, precision, recall, F1, specificity and kappa from a table of counts
`ranking`            ROC curves and the area below them, per class, micro and macro
`calibration`        whether probabilities come true
`anomaly`            anomaly scores: robust z
`readout`            logistic regression of vectors, its strength and temperature
`familiar`           how alike vectors are to those seen before
`overlaps`           which objects of two label images share how many pixels: the table the following take
`matching`           true and predicted objects matched one for one at IoU thresholds
`amodal`             whole masks that may overlap, matched one for one, as a table by overlap
`instances`          panoptic quality, AJI, object Dice, splits and merges
`contours`           distances between the outlines of matched objects
`pixels`             accuracy, F1, IoU and AUROC of foreground against background
`segmentation`       all of these for many images as one table, per image and pooled
`shapes`             one row per labelled object: place, size, shape, intensity, in pixels and µm
`rings`              what lies around objects: rings beside nuclei, nuclei grown to cells
`unexplained`        regions of an error image above its noise
`separation`         three classes on a scale: the accuracy of the thesis on spheroids, beside its floor
`order`              scores against ordered classes: pairs, trend, C-index, graded kappa
`placement`          whether look-alikes of a class are placed inside its range
`agreement`          Kendall's tau between scales
`controls`           Z′, and scores measured against the controls of their plate
`treatments`         treatments ranked from their wells, with intervals
`doses`              dose–response curves of four parameters
`verdict`            ordered, partly, cannot tell, too few
===================  =====================================================================================
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
