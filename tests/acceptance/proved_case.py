"""A case whose definition asks 张岚 for proofs, by SMS or by another channel, brought to the point where it waits."""

import json

from engine.service import delivering, notice_settings
from engine.service.app import Countersign
