"""The part of `AnnotationService` that looks back: heads, jobs, and what they told."""

from app.api import schemas
from app.service import records
from app.service.context import Context


class RecordVerbs:
    """Heads with where they came from, going back to one, and jobs with their logs."""

    context: Context

    def models(self, project_id: int) -> schemas.Models:
        """All trained heads, oldest first, and which one is in use."""
        return records.models(self.context, project_id)

    def use_model(self, project_id: int, model_id: str) -> schemas.Models:
        """Put an earlier head in place of the one in use."""
        return records.use_model(self.context, project_id, model_id)

    def jobs(self, project_id: int, limit: int = 20) -> schemas.Jobs:
        """The project's jobs, newest first."""
        return records.jobs(self.context, project_id, limit)

    def job_log(self, job_id: int) -> schemas.JobLog:
        """What a job told for good."""
        return records.job_log(self.context, job_id)
