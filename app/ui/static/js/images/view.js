/** The tab of all images: map and gallery of one project, what is chosen in both. value = {project_id}. */
import { BASE, call, post } from "../net/api.js";
import { Vault } from "../net/vault.js";
import { attach, parts } from "../shell/component.js";
import { t } from "../texts.js";
import { Asks } from "./asks.js";
import { Filters } from "./filters.js";
import { Gallery } from "./gallery.js";
import { openInAnnotate } from "./open.js";
import { Plane } from "./plane.js";

const PAGE = 60;

export function mount(element, ctx) {
  const vault = new Vault(localStorage, BASE.pathname);
  const chosen = new Set();
  let part, filters, gallery, plane, asks;
  let project = null;
  let offset = 0;
  let mode = { kind: "list" }; // or "similar" with its item, or "twins"
  let asked = 0;
  let reading = null; // id of the project whose state is on its way

  const say = (text, { bad = false } = {}) => {
    part.line.textContent = text;
    part.line.classList.toggle("fc-bad-text", bad);
  };

  const showChosen = () => {
    part.count.textContent = chosen.size ? t("images.chosen", { count: chosen.size }) : t("images.noneChosen");
    part.queue.disabled = part.drop.disabled = !chosen.size;
    asks.enable(chosen.size > 0);
    gallery.refresh();
    plane.canvas.chosen = chosen;
    plane.canvas.draw();
  };

  const choose = (ids, adding) => {
    if (!adding) chosen.clear();
    for (const id of ids) chosen.add(id);
    part.told.textContent = "";
    showChosen();
  };

  const shows = {
    async list() {
      const query = new URLSearchParams({ ...filters.values, offset, limit: PAGE });
      const page = await call(`projects/${project.id}/items?${query}`);
      return () => {
        gallery.show(page.items);
        const to = offset + page.items.length;
        say(page.total ? t("images.range", { from: offset + 1, to, total: page.total }) : t("images.none"));
        part.earlier.disabled = !offset;
        part.later.disabled = to >= page.total;
      };
    },
    async similar({ item }) {
      const { items } = await call(`items/${item.id}/similar?limit=${PAGE}`);
      return () => {
        gallery.show(items);
        say(t("images.similarTo", { name: item.name.split("/").at(-1) }));
      };
    },
    async twins() {
      const found = await call(`projects/${project.id}/duplicates?limit=${PAGE}`);
      return () => {
        gallery.showPairs(found.pairs);
        say(found.total ? t("images.twinsFound", { count: found.total }) : t("images.noTwins"));
      };
    },
  };

  /** Shows what is asked for now; an answer that comes late is dropped, and a refusal is told in the server's words. */
  const list = async (next = mode) => {
    mode = next;
    const mine = ++asked;
    part.back.hidden = mode.kind === "list";
    part.pager.hidden = mode.kind !== "list";
    if (mode.kind === "twins") say(t("images.looking"));
    const show = await shows[mode.kind](mode).catch((error) => () => {
      gallery.show([]);
      say(error.message, { bad: true });
    });
    if (mine === asked) show();
  };

  const read = async () => {
    const wanted = project?.id ?? null;
    if (!wanted || !element.offsetParent || reading === wanted) return;
    reading = wanted;
    const [fresh, map] = await Promise.all([call(`projects/${wanted}`), call(`projects/${wanted}/map`)]).catch((error) => {
      say(error.message, { bad: true });
      return [];
    });
    if (reading === wanted) reading = null;
    if (!map || wanted !== project?.id) return;
    project = fresh;
    filters.open({ ...project, model_id: map.model_id }); // by uncertainty only where it is known
    filters.offerGroups(map.group_names);
    plane.show(map, project);
    await list();
  };

  const queue = async () => {
    part.queue.disabled = true;
    const where = plane.canvas.lassoed ? "map" : "gallery";
    const body = { item_ids: [...chosen], annotator: vault.read("annotator"), where };
    const told = await post(`projects/${project.id}/picks`, body).then((picked) => {
      chosen.clear();
      return tellPicked(picked);
    }, (error) => error.message);
    showChosen();
    await read();
    part.told.textContent = told;
  };

  const start = () => {
    part = parts(element);
    const onOpen = openInAnnotate;
    filters = new Filters(element, { vault, onChange: () => ((offset = 0), list({ kind: "list" })) });
    gallery = new Gallery(part.tiles, { chosen, onOpen, onChosen: () => ((plane.canvas.lassoed = false), showChosen()), onLike: (item) => list({ kind: "similar", item }) });
    plane = new Plane(part, { vault, onOpen, onChoose: (ids, adding) => ((plane.canvas.lassoed = true), choose(ids, adding)) });
    const context = () => ({ projectId: project.id, ids: [...chosen], annotator: vault.read("annotator") });
    asks = new Asks(part, { context, onTold: (text) => (part.told.textContent = text) });
    part.back.addEventListener("click", () => list({ kind: "list" }));
    part.twins.addEventListener("click", () => list({ kind: "twins" }));
    part.earlier.addEventListener("click", () => ((offset = Math.max(0, offset - PAGE)), list()));
    part.later.addEventListener("click", () => ((offset += PAGE), list()));
    part.queue.addEventListener("click", queue);
    part.drop.addEventListener("click", () => choose([], false));
    showChosen();
  };

  const change = ({ project_id: id = null }) => {
    element.firstElementChild.classList.toggle("fc-off", !id);
    if (id === (project?.id ?? null)) return;
    project = id ? { id } : null;
    offset = 0;
    mode = { kind: "list" };
    choose([], false);
    read();
  };
  return attach(element, ctx, { start, change, seen: read, stop: () => plane.close() });
}

/** What became of a pick, in a line. */
export function tellPicked({ queued, n_asked_before: before, n_audit: audit }) {
  const lines = [t("images.queued", { count: queued.length })];
  if (before) lines.push(t("images.askedBefore", { count: before }));
  if (audit) lines.push(t("images.ofAudit", { count: audit }));
  return lines.join(" ");
}
