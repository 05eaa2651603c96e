from .nuclei import find_nuclei as find_nuclei
