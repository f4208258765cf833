/** The people who log in: adds them, gives new passwords, switches them off. For operators; others are told so. */
import { make } from "../dom.js";
import { call, post } from "../net/api.js";
import { t } from "../texts.js";
import { attach, parts } from "./component.js";

const ROLES = ["annotator", "scientist", "operator"];
const COLUMNS = ["name", "role", "annotations", "images", "lastAt", "actions"];

export function mount(element, ctx) {
  let part;

  const say = (text) => (part.said.textContent = text);

  const reveal = ({ name, password }) => {
    part.secretLine.textContent = t("users.secret", { name });
    part.password.textContent = password;
    part.secret.hidden = false;
    part.done.focus();
  };

  const conceal = () => {
    part.secret.hidden = true;
    part.password.textContent = "";
    part.name.focus();
  };

  /** Does one thing, tells what went wrong in the server's words, and shows how it stands now. */
  const act = async (work) => {
    const error = await work().then(() => null, (problem) => problem);
    await read();
    if (error) say(error.message);
  };

  const read = async () => {
    const found = await call("users").catch((error) => error);
    const isList = Array.isArray(found?.users);
    part.form.hidden = !isList;
    part.table.hidden = !isList || !found.users.length;
    if (!isList) return say(found.needsLogin ? t("users.loginNow") : found.message);
    say(t(`users.login.${found.login}`));
    if (found.login === "open") part.role.value = "operator";
    part.rows.replaceChildren(...found.users.map(row));
  };

  const row = (user) => {
    const isOurs = user.kept_in === "workspace";
    const path = `users/${encodeURIComponent(user.name)}`;
    const cells = [
      make("th", { scope: "row", text: user.name }),
      make("td", {}, isOurs ? roleOf(user, path) : t(`users.kept.${user.kept_in}`)),
      ...[user.n_annotations, user.n_images].map((count) => make("td", { text: count })),
      make("td", { text: user.last_at ? new Date(user.last_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "–" }),
      make("td", {}, ...(isOurs ? actions(user, path) : [])),
    ];
    return make("tr", { "data-off": isOurs && !user.is_active }, ...cells);
  };

  const roleOf = (user, path) => {
    const options = ROLES.map((role) => make("option", { value: role, text: t(`users.are.${role}`), selected: role === user.role }));
    const select = make("select", { "aria-label": t("users.roleOf", { name: user.name }) }, ...options);
    select.addEventListener("change", () => act(() => call(path, { method: "PATCH", body: { role: select.value } })));
    return select;
  };

  const actions = (user, path) => {
    const button = (key, work) => {
      const label = t(`users.${key}`, { name: user.name });
      const made = make("button", { type: "button", class: "fc-button fc-small", text: t(`users.${key}Short`), "aria-label": label, title: label });
      made.addEventListener("click", () => act(work));
      return made;
    };
    const toggled = () => call(path, { method: "PATCH", body: { is_active: !user.is_active } });
    const reset = button("reset", () => post(`${path}/password`).then(reveal));
    return [...(user.is_active ? [reset, " "] : []), button(user.is_active ? "off" : "on", toggled)];
  };

  const start = () => {
    part = parts(element);
    part.head.replaceChildren(...COLUMNS.map((name) => make("th", { scope: "col", text: t(`users.columns.${name}`) })));
    part.role.replaceChildren(...ROLES.map((role) => make("option", { value: role, text: t(`users.are.${role}`) })));
    part.done.addEventListener("click", conceal);
    part.copy.addEventListener("click", () => navigator.clipboard?.writeText(part.password.textContent));
    part.form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(() => post("users", { name: part.name.value.trim(), role: part.role.value }).then((made) => {
        part.name.value = "";
        part.role.value = ROLES[0];
        reveal(made);
      }));
    });
  };
  return attach(element, ctx, { start, change: () => {}, seen: read });
}
