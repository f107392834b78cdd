<%@ page contentType="text/plain; charset=UTF-8" %>Shop on Java <%= System.getProperty("java.version") %>
