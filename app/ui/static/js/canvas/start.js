/** What the work on an image begins with: unfinished work, else its newest annotation, else what the head suggests. */
import { t } from "../texts.js";

export function fillWork({ messages, project }, work, draft, suggestion) {
  const { annotation, kept, has_suggestion, asked_window: part } = work.item;
  if (draft && work.restore(draft, annotation)) {
    return messages.say(t(kept ? "day.keptBack" : "say.restored"), { sticky: Boolean(kept) });
  }
  if (annotation) return work.reopen(annotation);
  if (part) {
    work.startIn(part);
    return messages.say(t("windows.asked"), { sticky: true });
  }
  if (!suggestion) {
    if (has_suggestion) messages.say(t("say.noSuggestion"));
    return;
  }
  const count = work.offer(suggestion, project.task);
  if (!count) return;
  const { label } = work.sheet;
  messages.announce(label ? t("say.startLabel", { name: label }) : t("say.start", { count }));
}
