from . import shipped as shipped
from .folder import Model as Model
from .loading import load as load
from .loading import loaded as loaded
from .origins import model_of as model_of
from .record import describe_inputs as describe_inputs
from .record import prediction_record as prediction_record
