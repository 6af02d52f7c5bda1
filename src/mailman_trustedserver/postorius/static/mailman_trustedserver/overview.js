/* SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
   SPDX-License-Identifier: GPL-3.0-or-later */

/* One box above the others ticks them all; without scripts, each is ticked. */

for (const place of document.querySelectorAll('.mailman-trustedserver-all')) {
  const all = document.createElement('input');
  all.type = 'checkbox';
  all.setAttribute('aria-label', place.dataset.label);
  all.addEventListener('change', () => {
    for (const box of all.closest('table').querySelectorAll('[name="list"]')) {
      box.checked = all.checked;
    }
  });
  place.append(' ', all);
}
