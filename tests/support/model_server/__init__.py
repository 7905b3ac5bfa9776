"""A local server that speaks the wire formats of OpenAI, Anthropic and chat.completions, streaming, and plays scripted behaviours.

Used by tests through the vendors' real SDKs: `model_server` starts one, `ModelServer.script` or `ModelServer.play` says what it does.
"""

from __future__ import annotations

from tests.support.model_server.behaviours import BEHAVIOURS as BEHAVIOURS
from tests.support.model_server.behaviours import HOSTILE as HOSTILE
from tests.support.model_server.behaviours import INVENTED as INVENTED
from tests.support.model_server.compatible import Habits as Habits
from tests.support.model_server.replies import GIT_CLONE as GIT_CLONE
from tests.support.model_server.replies import LOGIN_PAGE as LOGIN_PAGE
from tests.support.model_server.replies import NO_CREDIT as NO_CREDIT
from tests.support.model_server.replies import OVERLOADED as OVERLOADED
from tests.support.model_server.replies import PROXY_PAGE as PROXY_PAGE
from tests.support.model_server.replies import RATE_LIMITED as RATE_LIMITED
from tests.support.model_server.replies import RATE_LIMITED_LONG as RATE_LIMITED_LONG
from tests.support.model_server.replies import SERVER_ERROR as SERVER_ERROR
from tests.support.model_server.replies import UNKNOWN_MODEL as UNKNOWN_MODEL
from tests.support.model_server.replies import Error as Error
from tests.support.model_server.replies import Reply as Reply
from tests.support.model_server.replies import chatty as chatty
from tests.support.model_server.replies import fenced as fenced
from tests.support.model_server.replies import planning as planning
from tests.support.model_server.replies import saying as saying
from tests.support.model_server.replies import writing as writing
from tests.support.model_server.replies import writing_what_is_asked as writing_what_is_asked
from tests.support.model_server.server import FAST as FAST
from tests.support.model_server.server import ModelServer as ModelServer
from tests.support.model_server.server import model_server as model_server
from tests.support.model_server.vendors import KEY as KEY
from tests.support.model_server.vendors import MODELS as MODELS
