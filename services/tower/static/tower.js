// Everything here is an addition: each page is whole without it. No library; the page refreshes itself from its own URL.
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const root = document.documentElement;
const words = document.body.dataset;

const say = text => {
  const toast = $('#toast');
  toast.textContent = text;
  toast.classList.add('on');
  setTimeout(() => toast.classList.remove('on'), 1800);
};

// --- signing in: the launcher's link carries the token behind '#', which no server and no log ever sees ---
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given && $('#token')) {
  history.replaceState(null, '', location.pathname + location.search);
  $('#token').value = given;
  $('#token').form.requestSubmit();
}

// --- theme ---
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const flipTheme = () => {
  const dark = root.dataset.theme === 'dark' || (root.dataset.theme === 'auto' && systemDark.matches);
  root.dataset.theme = dark ? 'light' : 'dark';
  document.cookie = `theme=${root.dataset.theme};path=/;samesite=lax;max-age=31536000`;
};

// --- live: the stream says that something changed, the page asks for itself and takes over what differs ---
const GAP = 2000; // at most one refresh in this time, and none while the tab is hidden
let busy = false, again = false;

const swap = (region, fresh) => {
  if (region.outerHTML === fresh.outerHTML) return;
  const read = region.dataset.live === 'calm' && (region.matches(':hover') || region.contains(document.activeElement));
  if (read) return offer(region);
  const open = new Set($$('details[open][id]', region).map(each => each.id));
  const closed = new Set($$('details:not([open])[id]', region).map(each => each.id));
  const focus = region.contains(document.activeElement) ? document.activeElement : null;
  const place = focus && (focus.id ? `#${CSS.escape(focus.id)}` : focus.href ? `[href="${CSS.escape(focus.getAttribute('href'))}"]` : '');
  region.innerHTML = fresh.innerHTML;
  region.className = fresh.className;
  $$('details[id]', region).forEach(each => { if (open.has(each.id)) each.open = true; if (closed.has(each.id)) each.open = false; });
  if (place) $(place, region)?.focus({ preventScroll: true });
};

const offer = region => {
  if ($('.fresh', region)) return;
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'btn fresh', textContent: words.sayFresh });
  button.addEventListener('click', () => { button.remove(); document.activeElement.blur(); region.dataset.live = ''; refresh().then(() => { region.dataset.live = 'calm'; }); });
  region.prepend(button);
};

const refresh = async () => {
  if (busy || document.hidden) { again = true; return; }
  busy = true;
  again = false;
  try {
    const answer = await fetch(location.pathname + location.search, { headers: { Accept: 'text/html' } });
    if (answer.redirected && new URL(answer.url).pathname === '/login') return location.reload();
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    $$('[data-live][id]').forEach(region => { const fresh = page.getElementById(region.id); if (fresh) swap(region, fresh); });
    const time = $('#lamp time'), now = $('#lamp time', page);
    if (time && now) time.replaceWith(document.adoptNode(now));
  } catch { lamp(false); } finally {
    setTimeout(() => { busy = false; if (again) refresh(); }, GAP);
  }
};
document.addEventListener('visibilitychange', () => { if (!document.hidden && again) refresh(); });

let stream = null, lastId = '', wait = 1000;
const lamp = on => {
  $('#lamp')?.classList.toggle('off', !on);
  const text = $('#lamp span');
  if (text) text.textContent = on ? words.sayLive : words.sayOff;
};
const listen = () => {
  if (stream || words.watch === '-' || !$('#lamp')) return;
  stream = new EventSource(`/tower/live?watch=${encodeURIComponent(words.watch)}${lastId && `&after=${lastId}`}`);
  stream.onopen = () => { lamp(true); wait = 1000; };
  stream.onerror = () => {
    lamp(false);
    // A lost connection is retried by the browser; after an error answer it gives up for good, and so we begin anew.
    if (stream?.readyState === EventSource.CLOSED) { stream = null; setTimeout(listen, wait = Math.min(wait * 2, 30000)); }
  };
  const news = event => { lastId = event.lastEventId; refresh(); };
  stream.addEventListener('changed', news);
  stream.addEventListener('resync', news);
};
addEventListener('pagehide', () => { stream?.close(); stream = null; });
addEventListener('pageshow', listen);

// --- search box: options come while one types ---
const q = $('#q'), hits = $('#hits');
let typing;
const show = on => { hits.hidden = !on; q.setAttribute('aria-expanded', String(on)); };
const look = async () => {
  const text = q.value.trim();
  if (!text) return show(false);
  const answer = await fetch(`/find?part=hits&q=${encodeURIComponent(text)}`);
  if (!answer.ok || q.value.trim() !== text) return;
  hits.innerHTML = await answer.text();
  show(document.activeElement === q);
};
q?.addEventListener('input', () => { clearTimeout(typing); typing = setTimeout(look, 150); });
q?.addEventListener('keydown', event => {
  const all = $$('[role=option]', hits), at = all.findIndex(each => each.ariaSelected === 'true');
  if (event.key === 'Escape') { show(false); q.blur(); }
  if (event.key === 'Enter' && at >= 0) { event.preventDefault(); all[at].click(); }
  if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && all.length) {
    event.preventDefault();
    const next = (at + (event.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length;
    all.forEach((each, n) => { each.ariaSelected = String(n === next); each.id = `hit${n}`; });
    q.setAttribute('aria-activedescendant', `hit${next}`);
  }
});

// --- clicks ---
const copy = text => navigator.clipboard?.writeText(text).then(() => say(words.sayCopied + text), () => say(text));
document.addEventListener('click', event => {
  if (hits && !event.target.closest('.find')) show(false);
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.copy) copy(button.dataset.copy);
  if ('themeFlip' in button.dataset) flipTheme();
  if ('help' in button.dataset) $('#help').showModal();
});

// --- keys: never one that changes data; off in fields and dialogs, and by choice ---
const single = $('#single');
if (single) {
  single.checked = localStorage.getItem('keys') !== 'off';
  single.addEventListener('change', () => localStorage.setItem('keys', single.checked ? 'on' : 'off'));
}
const because = row => {
  $$('.ev.why').forEach(each => each.classList.remove('why'));
  if (row?.dataset.cause) $(`#e${row.dataset.cause}`)?.classList.add('why');
};
const move = by => {
  const rows = $$('[data-row]');
  if (!rows.length) return;
  const at = rows.findIndex(each => each.classList.contains('cur'));
  const row = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  rows.forEach(each => each.classList.toggle('cur', each === row));
  row.scrollIntoView({ block: 'nearest' });
  ($('a', row) ?? row).focus({ preventScroll: true });
  because(row);
};
document.addEventListener('mouseover', event => { const row = event.target.closest('.ev'); if (row) because(row); });
const GO = { 'g o': '/', 'g l': '/orders', 'g d': '/dead-letters', 'g c': '/cases' };
let before = '';
document.addEventListener('keydown', event => {
  const find = (event.ctrlKey || event.metaKey) && event.key === 'k';
  if (find) event.preventDefault();
  if (find) return q?.focus();
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog') || !single?.checked) return;
  const target = GO[before + event.key];
  before = event.key === 'g' ? 'g ' : '';
  if (target) location.href = target;
  else if (event.key === '/') { event.preventDefault(); q?.focus(); }
  else if (event.key === '?') $('#help').showModal();
  else if (event.key === 'j') move(1);
  else if (event.key === 'k') move(-1);
  else if (event.key === 't') flipTheme();
  else if (event.key === 'c') { const id = $('[data-row].cur')?.dataset.id; if (id) copy(id); }
});
