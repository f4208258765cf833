/** From a sheet to what travels: the draft that survives a reload and the annotation that is accepted. */
import { touches } from "./labeled_window.js";
import { isAsSaved } from "./reopened.js";
import * as rle from "./rle.js";
import { askKey, filled, hasPrompts, windowOf } from "./sheet.js";

const DRAFT_VERSION = 1;
const DRAFT_BYTES = 3_500_000;

export function packDraft({ sheet, answers, window, seconds, clicks, savedAt }) {
  const pack = (withCandidates) => ({
    version: DRAFT_VERSION,
    saved_at: savedAt,
    sheet,
    window,
    seconds: Math.round(seconds * 10) / 10,
    clicks,
    answers: sheet.objects.flatMap((object) => {
      const answer = answers.of(object);
      if (!answer || isAsSaved(object)) return [];
      return [[askKey(object), withCandidates || object.choice !== null ? answer : { ...answer, candidates: [] }]];
    }),
  });
  const full = pack(true);
  return JSON.stringify(full).length <= DRAFT_BYTES ? full : pack(false);
}

/** null when the draft is of another version of the page. */
export function unpackDraft(draft, answers) {
  if (draft?.version !== DRAFT_VERSION || !draft.sheet?.objects?.length) return null;
  for (const [key, answer] of draft.answers ?? []) answers.put(key, answer);
  const objects = draft.sheet.objects.map((object) => ({ scribbles: [], ...object })); // drafts older than strokes have none
  return { sheet: { ...draft.sheet, objects }, window: draft.window, seconds: draft.seconds ?? 0, clicks: draft.clicks ?? 0 };
}

/** The later of two drafts, either of which may be missing. */
export function newerDraft(a, b) {
  if (!a || !b) return a ?? b ?? null;
  return (a.saved_at ?? 0) >= (b.saved_at ?? 0) ? a : b;
}

/** Strokes over a model's mask; where there was no model, the mask itself is all that was drawn. */
const packEdits = ({ painted, erased }, size) => ({ painted: { size, counts: painted }, erased: { size, counts: erased } });

/** Body of PUT annotation. Objects whose mask came out empty, or that lie outside the labeled window, are left out. */
export function packAnnotation({ item, sheet, answers, window, seconds, clicks, submissionId }) {
  const size = [item.height, item.width];
  const part = windowOf(sheet);
  const objects = filled(sheet).flatMap((object) => {
    const counts = answers.final(object);
    if (!rle.area(counts) || !touches(counts, part, item.height)) return [];
    const answer = answers.of(object);
    const mask = { size, counts };
    const named = object.name || object.saved?.name ? { name: object.name ?? null } : {};
    const edits = object.edits && hasPrompts(object) ? packEdits(object.edits, size) : null;
    if (isAsSaved(object)) {
      return [{ ...object.saved, class_id: object.classId, mask, ...named, edited: object.saved.edited || object.edits !== null, edits }];
    }
    return [
      {
        class_id: object.classId,
        mask,
        ...named,
        points: object.points,
        box: object.box,
        scribbles: object.scribbles,
        predicted_iou: answer?.candidates?.[object.choice]?.predictedIou ?? answer?.predictedIou ?? null,
        quality: answer?.quality ?? null,
        model_id: answer?.modelId ?? null,
        edited: object.edits !== null,
        edits,
        from_suggestion: object.start !== null && !hasPrompts(object),
      },
    ];
  });
  return {
    submission_id: submissionId,
    lease_token: item.lease.token,
    base_version: item.version,
    label: sheet.label,
    objects: sheet.label === null ? objects : [],
    window: window ? { level: window.level, width: window.width } : null,
    labeled_window: part,
    seconds: Math.round(seconds * 10) / 10,
    clicks,
  };
}
