"""The host in a web browser: Pyodide in a worker, with JavaScript that only adapts browser APIs."""
