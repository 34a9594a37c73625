"""Can this storage list honestly, create conditionally, keep time, be written: tried, with exact numbers.

Everything is tried beside the store, nothing in `metadata/`; what is left behind is the probe of conditional writes.
"""

from core.doctor.examine import examine, patient_for
from core.doctor.model import Bars, CheckState, Examination, Result
from core.doctor.patient import DoctorWatch, Patient

__all__ = ["Bars", "CheckState", "DoctorWatch", "Examination", "Patient", "Result", "examine", "patient_for"]
