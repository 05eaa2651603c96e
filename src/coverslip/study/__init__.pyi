from .comparing import compare as compare
from .learning import learning_curve as learning_curve
from .leaving import leave_one_out as leave_one_out
from .output import Findings as Findings
from .planes import focal_planes as focal_planes
from .plates import plate_study as plate_study
from .ranking import rank_study as rank_study
from .sweep import run_sweep as run_sweep
