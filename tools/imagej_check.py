"""Compare what ImageJ reads of our files with what was written.

Usage: python tools/imagej_check.py IJ_JAR
IJ_JAR is ImageJ's ``ij.jar`` (Debian's package imagej puts it at /usr/share/java/ij.jar); a Java development kit (11 or
newer) runs it, without a display. Labels of the nuclei of scikit-image's stained section are written as TIFF and as
ROIs, crops of two channels as a hyperstack; a table says of each whether ImageJ has the same.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import coverslip as cs
from coverslip.core import PixelSize

SIZE = PixelSize(0.25, 0.5)

READER = """
import ij.*; import ij.gui.*; import ij.io.*; import ij.measure.*; import ij.process.*;
import java.util.zip.*; import java.io.*;
public class Reader {
  public static void main(String[] files) throws Exception {
    System.out.println("version\\t" + ImageJ.VERSION);
    for (String file : files) {
      if (file.endsWith(".zip")) { rois(file); continue; }
      ImagePlus image = new Opener().openImage(file);
      if (image == null) { System.out.println("image\\t" + file + "\\tdoes not open"); continue; }
      Calibration c = image.getCalibration();
      System.out.println("image\\t" + file + "\\t" + image.getWidth() + " x " + image.getHeight() + "\\t"
        + image.getNChannels() + " " + image.getNSlices() + " " + image.getNFrames() + "\\t"
        + c.pixelWidth + " " + c.pixelHeight + " " + c.getUnit() + "\\t" + image.getStatistics().max);
    }
  }
  static void rois(String file) throws Exception {
    ZipInputStream zip = new ZipInputStream(new FileInputStream(file));
    for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
      Roi roi = new RoiDecoder(zip.readAllBytes(), entry.getName()).getRoi();
      ImageProcessor mask = roi.getMask();
      int area = mask == null ? roi.getBounds().width * roi.getBounds().height : 0;
      if (mask != null) for (int i = 0; i < mask.getPixelCount(); i++) if (mask.get(i) != 0) area++;
      System.out.println("roi\\t" + roi.getName() + "\\t" + area);
    }
  }
}
"""


def main(jar: str) -> int:
    """Write, let ImageJ read, compare; returns how many things differ."""
    from skimage.data import immunohistochemistry

    image = cs.Image.from_array(np.moveaxis(immunohistochemistry(), -1, 0), "CYX", source="section", pixel_size=SIZE)
    labels = cs.samples.find_nuclei(image).labels
    crops, _ = cs.samples.crop_objects(image, labels, 32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Reader.java").write_text(READER)
        tiff = cs.read.write_labels(cs.LabelMap(labels, "section", SIZE), folder / "section")
        rois = cs.read.write_rois(labels, folder / "section.zip")
        stack = folder / "crops.tif"
        cs.read.write_image_tiff(crops[:, :2], stack, "TCYX", SIZE, ("red", "green"), hyperstack=True)
        command = ["java", "-Djava.awt.headless=true", "-cp", jar, str(folder / "Reader.java")]
        told = subprocess.run([*command, *map(str, (tiff, stack, rois))], check=True, capture_output=True, text=True)
    lines = [line.split("\t") for line in told.stdout.splitlines()]
    height, width = labels.shape
    size = f"{SIZE.x} {SIZE.y} µm"
    expected = {
        tiff.name: [f"{width} x {height}", "1 1 1", size, f"{float(labels.max())}"],
        stack.name: ["32 x 32", f"2 1 {len(crops)}", size],
    }
    print(f"ImageJ {next(line[1] for line in lines if line[0] == 'version')}")
    wrong = 0
    for line in lines:
        if line[0] == "image":
            wanted = expected[Path(line[1]).name]
            same = line[2 : 2 + len(wanted)] == wanted
            wrong += not same
            print(f"{Path(line[1]).name}: {'; '.join(line[2:])}: {'as written' if same else f'not {wanted}'}")
    areas = {int(line[1]): int(line[2]) for line in lines if line[0] == "roi"}
    true = dict(enumerate(np.bincount(labels.ravel()).tolist()))
    same = sum(areas.get(number) == area for number, area in true.items() if number and area)
    count = int((np.bincount(labels.ravel())[1:] > 0).sum())
    print(f"ROIs: the areas of {same} of {count} are those of the labels")
    return wrong + count - same


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1]), 1))
