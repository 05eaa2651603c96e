from .loop import Outcome as Outcome
from .loop import train as train
from .run import Run as Run
