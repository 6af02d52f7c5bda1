/* SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
   SPDX-License-Identifier: GPL-3.0-or-later */

/* Puts the filter between Postorius' heading and its table. */

const filter = $('.mailman-trustedserver-filter');
filter.insertBefore(filter.siblings('form, p').first());

/* Repeats the verdict on a message in the dialogue that Postorius opens for it. */

$('#held-messages-modal').on('show.bs.modal', function () {
  const number = $(this).find('input[name="msgid"]').val();
  $(this).find('.mailman-trustedserver-why').remove();
  $('td .mailman-trustedserver-why')
    .filter((index, link) => link.dataset.msgid === number)
    .clone()
    .prependTo($(this).find('.modal-body'));
});
