"""Signals: how one part tells the others that something happened.

Senders pass ids, not objects, unless the name of the argument says otherwise.
"""

from blinker import Namespace

_signals = Namespace()

user_registered = _signals.signal("user-registered")  # user_id, role
user_deleted = _signals.signal("user-deleted")  # user_id
company_created = _signals.signal("company-created")  # company_id, user_id
job_published = _signals.signal("job-published")  # job (the object)
job_closed = _signals.signal("job-closed")  # job_id
application_submitted = _signals.signal("application-submitted")  # application (the object)
application_stage_changed = _signals.signal("application-stage-changed")
application_withdrawn = _signals.signal("application-withdrawn")
interview_scheduled = _signals.signal("interview-scheduled")
invoice_paid = _signals.signal("invoice-paid")
message_sent = _signals.signal("message-sent")
