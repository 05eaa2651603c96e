"""Slides as DICOM, for archives of hospitals: a folder with one file for each resolution, all of one series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Image, InputError, MissingExtra
from coverslip.io.atomic import atomic_folder
from coverslip.io.listing import bare_name
from coverslip.io.writing.slide_tiff import TILE, Compression, check_levels, tiles_of

_SYNTAXES = {"jpeg": "JPEGBaseline8Bit", "zlib": "JPEG2000Lossless", "none": "ExplicitVRLittleEndian"}
_COLOURS = {"jpeg": "YBR_FULL_422", "zlib": "YBR_RCT", "none": "RGB"}
_QUALITY = 90
_MILLIMETRE = 1000.0


def write_slide_dicom(
    levels: Sequence[Image],
    path: str | Path,
    *,
    compression: Compression = "zlib",
    magnification: float | None = None,
    force: bool = False,
) -> tuple[Path, list[str]]:
    """Write the levels of an RGB slide as VL Whole Slide Microscopy Images of DICOM.

    Nothing that could name a patient is written: these fields are there, and empty, to be filled in by an archive.

    Parameters
    ----------
    levels : sequence of Image
        Axes ``CYX``, three channels of 8 bits, the full resolution first, with the size of their pixels.
    path : str or Path
        The folder to write or, with `force`, to replace; its files are ``level-0.dcm`` and so on.
    compression : {"zlib", "jpeg", "none"}
        Of the tiles: JPEG 2000 without loss (DICOM has no zlib), JPEG of quality 90, none.
    magnification : float, optional
        Of the objective.
    force : bool

    Returns
    -------
    path : Path
    notes : list of str
        Which parts could not be read, and are white.

    Raises
    ------
    InputError
        If the levels are no RGB images of 8 bits, or the size of their pixels, which DICOM demands, is not known.
    MissingExtra
        If pydicom is not installed.
    """
    path = Path(path)
    check_levels(levels, path)
    if levels[0].pixel_size is None:
        raise InputError(f"{path} cannot be DICOM, which demands the size of pixels in µm, and the slide says none.")
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtra("DICOM is written by pydicom; install it with pip install 'coverslip[dicom]'.") from error
    notes: list[str] = []
    shared = _of_all(levels, bare_name(path), compression, magnification)
    with atomic_folder(path, overwrite=force) as folder:
        for number, level in enumerate(levels):
            frames = [_frame(tile, compression) for tile in tiles_of(level, number, notes)]
            found = _level(shared, level, number, levels[0], frames, compression)
            pydicom.dcmwrite(folder / f"level-{number}.dcm", found, enforce_file_format=True)
    return path, notes


def _frame(tile: np.ndarray, compression: Compression) -> bytes:
    import imagecodecs

    if compression == "none":
        return tile.tobytes()
    if compression == "jpeg":
        return bytes(imagecodecs.jpeg8_encode(tile, level=_QUALITY, subsampling="422"))
    return bytes(imagecodecs.jpeg2k_encode(tile, level=0, reversible=True, codecformat="j2k", mct=True))


def _of_all(levels: Sequence[Image], name: str, compression: Compression, magnification: float | None) -> Any:
    """What all files of the series have in common."""
    from pydicom.dataset import Dataset
    from pydicom.uid import UID, VLWholeSlideMicroscopyImageStorage, generate_uid

    now = datetime.now()
    found = Dataset()
    found.SOPClassUID = UID(VLWholeSlideMicroscopyImageStorage)
    for unknown in (
        "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "ReferringPhysicianName", "StudyID",
        "AccessionNumber", "PositionReferenceIndicator",
    ):  # fmt: skip
        setattr(found, unknown, "")
    found.StudyInstanceUID, found.SeriesInstanceUID, found.FrameOfReferenceUID = (generate_uid() for _ in range(3))
    found.StudyDate = found.ContentDate = f"{now:%Y%m%d}"
    found.StudyTime = found.ContentTime = f"{now:%H%M%S}"
    found.AcquisitionDateTime = f"{now:%Y%m%d%H%M%S}"
    found.Modality, found.SeriesNumber, found.SeriesDescription = "SM", 1, name[:64]
    found.Manufacturer = found.ManufacturerModelName = found.SoftwareVersions = "Coverslip"
    found.DeviceSerialNumber = "0"
    found.ContainerIdentifier = name[:64]
    found.IssuerOfTheContainerIdentifierSequence = []
    found.ContainerTypeCodeSequence = [_code("433466003", "SCT", "Microscope slide")]
    specimen = Dataset()
    specimen.SpecimenIdentifier, specimen.SpecimenUID = name[:64], generate_uid()
    specimen.IssuerOfTheSpecimenIdentifierSequence = specimen.SpecimenPreparationSequence = []
    found.SpecimenDescriptionSequence = [specimen]
    found.AcquisitionContextSequence = []
    dimension = Dataset()
    dimension.DimensionOrganizationUID = generate_uid()
    found.DimensionOrganizationSequence = [dimension]
    found.DimensionOrganizationType = "TILED_FULL"
    found.VolumetricProperties, found.SpecimenLabelInImage, found.BurnedInAnnotation = "VOLUME", "NO", "NO"
    found.FocusMethod, found.ExtendedDepthOfField = "AUTO", "NO"
    found.LossyImageCompression = "01"  # decoded from what was compressed with a loss
    found.LossyImageCompressionMethod = "ISO_10918_1" if compression == "jpeg" else "COVERSLIP"
    found.OpticalPathSequence, found.NumberOfOpticalPaths = [_light(magnification)], 1
    found.TotalPixelMatrixFocalPlanes = 1
    size = levels[0].pixel_size
    assert size is not None
    found.ImagedVolumeWidth = levels[0].width * size.x / _MILLIMETRE
    found.ImagedVolumeHeight = levels[0].height * size.y / _MILLIMETRE
    found.ImagedVolumeDepth = 1.0  # micrometres; not known of a single plane
    found.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem = 20.0, 40.0
    found.TotalPixelMatrixOriginSequence = [origin]
    found.SamplesPerPixel, found.PlanarConfiguration, found.PixelRepresentation = 3, 0, 0
    found.BitsAllocated = found.BitsStored = 8
    found.HighBit = 7
    found.PhotometricInterpretation = _COLOURS[compression]
    found.Rows = found.Columns = TILE
    return found


def _level(shared: Any, level: Image, number: int, first: Image, frames: list[bytes], compression: Compression) -> Any:
    """The file of a level."""
    import copy

    from pydicom import uid
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    found = copy.deepcopy(shared)
    found.SOPInstanceUID, found.InstanceNumber = uid.generate_uid(), number + 1
    found.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED" if number else "NONE"]
    found.TotalPixelMatrixColumns, found.TotalPixelMatrixRows = level.width, level.height
    found.NumberOfFrames = len(frames)
    raw, packed = level.height * level.width * 3, sum(map(len, frames))
    found.LossyImageCompressionRatio = f"{raw / packed:.4g}"
    measures = Dataset()
    size = first.pixel_size
    assert size is not None
    spacing = size.y * first.height / level.height, size.x * first.width / level.width
    measures.PixelSpacing = [f"{length / _MILLIMETRE:.10g}" for length in spacing]
    measures.SliceThickness = "0.001"
    kind = Dataset()
    kind.FrameType = list(found.ImageType)
    groups = Dataset()
    groups.PixelMeasuresSequence, groups.WholeSlideMicroscopyImageFrameTypeSequence = [measures], [kind]
    found.SharedFunctionalGroupsSequence = [groups]
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = getattr(uid, _SYNTAXES[compression])
    found.PixelData = b"".join(frames) if compression == "none" else encapsulate(frames, has_bot=packed < 2**31)
    found["PixelData"].VR = "OB"
    return found


def _light(magnification: float | None) -> Any:
    """How the slide was lit, and what its colours are: sRGB."""
    from PIL import ImageCms
    from pydicom.dataset import Dataset

    found = Dataset()
    found.OpticalPathIdentifier = "0"
    found.IlluminationTypeCodeSequence = [_code("111744", "DCM", "Brightfield illumination")]
    found.IlluminationColorCodeSequence = [_code("414298005", "SCT", "Full Spectrum")]
    found.ICCProfile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if magnification is not None:
        found.ObjectiveLensPower = f"{magnification:g}"
    return found


def _code(value: str, scheme: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator, found.CodeMeaning = value, scheme, meaning
    return found
