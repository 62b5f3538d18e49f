// Sorts the tables of ser-report's page. Heads of columns get buttons, which lie over all of them; numbers are
// compared as such, and what is none comes last. The text stays outside: Chromium does not print buttons in the
// heads that it repeats on each page.
document.querySelectorAll('table').forEach(function (table) {
  var body = table.tBodies[0], heads = table.tHead.rows[0].cells;
  Array.prototype.forEach.call(heads, function (head, column) {
    var button = document.createElement('button'), numbers = head.className === 'n';
    button.type = 'button';
    button.setAttribute('aria-label', 'sort by ' + head.textContent);
    head.appendChild(button);
    function value(row) {
      var text = row.cells[column].textContent;
      return numbers ? parseFloat(text) : text;
    }
    button.addEventListener('click', function () {
      var down = head.getAttribute('aria-sort') === 'ascending';
      var rows = Array.from(body.rows).sort(function (a, b) {
        var x = value(a), y = value(b), order;
        if (!numbers)
          order = x.localeCompare(y, 'en', { numeric: true });
        else if (isNaN(x) || isNaN(y))
          return isNaN(x) - isNaN(y);
        else
          order = x - y;
        return down ? -order : order;
      });
      Array.prototype.forEach.call(heads, function (h) { h.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });
});
