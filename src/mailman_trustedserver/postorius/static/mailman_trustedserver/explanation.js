/* SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
   SPDX-License-Identifier: GPL-3.0-or-later */

/* Asks Postorius for the text of the message once somebody wants to see it. */

$('.mailman-trustedserver-text').one('toggle', function () {
  const text = $(this).find('pre');
  $.getJSON(this.dataset.url)
    .done((held) => text.text(held.msg.body))
    .fail(() => text.text(this.dataset.failure));
});
