package main

var addressSteps = []step{{"ends", addresses}}

type twoEnds struct {
	Network      string `json:"network"`
	ClientLocal  string `json:"client_local"`
	ClientRemote string `json:"client_remote"`
	ServerLocal  string `json:"server_local"`
	ServerRemote string `json:"server_remote"`
}

// Each end knows both addresses.
func addresses() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	defer server.Close()
	// ANCHOR: addresses
	return twoEnds{
		client.LocalAddr().Network(),
		client.LocalAddr().String(), client.RemoteAddr().String(),
		server.LocalAddr().String(), server.RemoteAddr().String(),
	}, nil
	// ANCHOR_END: addresses
}
