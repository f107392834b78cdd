package image

import "context"

func (b *builder) full(ctx context.Context) ([]layer, error) {
	return nil, b.errorf("full mode")
}
