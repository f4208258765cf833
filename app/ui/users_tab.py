"""Users: who may log in. The tab is there for operators alone; the API refuses everybody else."""

import gradio as gr

from app.roles import Role
from app.ui.callbacks import QUIET
from app.ui.components import UsersView
from app.ui.texts import text


def users_tab(page: gr.Blocks) -> None:
    """Lay out the tab, and show it to whom it is for."""
    with gr.Tab(text("app.tabs.users"), id="users", visible=False) as tab, gr.Column(elem_classes="fc-page"):
        UsersView(elem_id="fc-users")

    def shown(request: gr.Request) -> dict[str, object]:
        return gr.update(visible=role_of(request) == "operator")

    page.load(shown, None, tab, **QUIET)


def role_of(request: gr.Request) -> Role:
    """What the person behind a callback may do, as the gate found."""
    asked = request.request
    role: Role = "annotator" if asked is None else asked.state.role
    return role
