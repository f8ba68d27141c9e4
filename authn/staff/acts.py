"""What staff do to a row: a page that says what will happen, asks for the reason, and does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from authn.audit import Refused

REASON_MAX = 500


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_MAX,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="Goes into the audit log: a ticket number or a sentence, without names or addresses.",
    )

    def __init__(self, subject: str, *args: Any, **kwargs: Any) -> None:
        self.subject = subject
        super().__init__(*args, **kwargs)


class ConfirmedForm(ReasonForm):
    confirm = forms.CharField(
        label="Type the subject to confirm",
        strip=False,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed != self.subject:
            raise forms.ValidationError(f"This is not the subject. Type it exactly: {self.subject}")
        return typed


@dataclass(frozen=True)
class Act:
    """One act: the words of its page, its form, and the call, which may answer with a response of its own."""

    title: str
    explanation: str
    button: str
    done: str
    run: Callable[[Any, HttpRequest, dict[str, str]], HttpResponseBase | None]
    form: type[ReasonForm] = ReasonForm
    danger: bool = False


def perform(model_admin: Any, request: HttpRequest, object_id: str, act: Act) -> HttpResponseBase:
    """Show the page of ``act``, or do it when its form is sent and complete."""
    place = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    obj = model_admin.get_object(request, unquote(object_id))
    if obj is None:
        messages.error(request, f"There is no {model_admin.opts.verbose_name} {unquote(object_id)!r} (any more).")
        return HttpResponseRedirect(reverse(f"{place}_changelist"))
    back = reverse(f"{place}_change", args=[quote(obj.pk)])
    form = act.form(model_admin.subject_of(obj), request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(model_admin, request, act, form, facts=model_admin.facts(obj), back=back)
    try:
        answer = act.run(obj, request, form.cleaned_data)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(back)
    if answer is None:
        messages.success(request, act.done)
    return answer or HttpResponseRedirect(back)


def _page(model_admin: Any, request: HttpRequest, act: Act, form: ReasonForm, **context: Any) -> HttpResponse:
    context |= {
        **model_admin.admin_site.each_context(request),
        "title": act.title,
        "opts": model_admin.opts,
        "act": act,
        "form": form,
        "media": model_admin.media + form.media,
    }
    return TemplateResponse(request, "admin/authn/act.html", context, status=422 if form.is_bound else 200)
