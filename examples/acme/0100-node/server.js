// Stands in for an application; copy yours over it.
'use strict';
const http = require('node:http');

const server = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(`Node.js ${process.version} at ${request.url}\n`);
});
server.listen(3000);

// Process 1 gets only the signals that it asks for.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
